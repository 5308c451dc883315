import type { CollectedSpan } from '../../support/otlp.ts';

/** What a write passes, in order; each is time that no other has. */
export const stageNames = {
  send: 'client to REQ',
  queue: 'REQ to trigger (queue)',
  trigger: 'trigger',
  http: 'HTTP to the writer and back',
  writer: 'writer, what is not below',
  validate: 'validate',
  append: 'append to LOG (fsync)',
  reply: 'reply (sealed and sent)',
  answer: 'reply to the caller',
  acknowledged: 'all until acknowledged',
  apply: 'applied to Redis (behind the reply)',
  logQueue: 'LOG to trigger (queue, from before the fsync)',
  logHttp: 'trigger and HTTP to the distributor',
  objects: 'objects are written',
  publish: 'changes and watermark are published',
  visible: 'all until visible',
} as const;
export type StageName = keyof typeof stageNames;

/** A write as its caller sees it, ms since 1970. */
export interface Call {
  readonly spanId: string;
  readonly begin: number;
  readonly end: number;
}

const length = ({ begin, end }: CollectedSpan) => end - begin;

/** ms of each stage, those that it shared with other writes among them; undefined while spans are missing. */
export function stagesOf(call: Call, all: readonly CollectedSpan[]): Record<StageName, number> | undefined {
  const below = (parent: Pick<CollectedSpan, 'spanId'> | undefined, name: string) => {
    const { spanId = 'none' } = parent ?? {};
    return all.find((span) => span.name === name && (span.parentSpanId === spanId || span.links.includes(spanId)));
  };
  const batch = below(call, 'request batch');
  const [queue, http] = [below(batch, 'queue'), below(batch, 'http')];
  const writer = below(http, 'writer');
  const [validate, append, reply, apply] = ['validate', 'append', 'reply', 'apply'].map((name) => below(writer, name));
  const log = below(append, 'log batch');
  const [logQueue, logHttp] = [below(log, 'queue'), below(log, 'http')];
  const distributor = below(logHttp, 'distributor');
  const [objects, publish] = [below(distributor, 'objects'), below(distributor, 'publish')];
  if (!batch || !queue || !http || !writer || !validate || !append || !reply || !apply) return undefined;
  if (!log || !logQueue || !logHttp || !distributor || !objects || !publish) return undefined;
  return {
    send: batch.begin - call.begin,
    queue: length(queue),
    trigger: length(batch) - length(queue) - length(http),
    http: length(http) - length(writer),
    writer: length(writer) - length(validate) - length(append) - length(reply),
    validate: length(validate),
    append: length(append),
    reply: length(reply),
    answer: call.end - reply.end,
    acknowledged: call.end - call.begin,
    apply: length(apply),
    logQueue: length(logQueue),
    logHttp: objects.begin - logQueue.end,
    objects: length(objects),
    publish: length(publish),
    visible: publish.end - call.begin,
  };
}
