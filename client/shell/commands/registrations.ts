import { REGISTRATION_KINDS, type RegistrationKind } from '@faaskeeper/protocol';
import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { hex } from '../format.ts';

const KINDS = REGISTRATION_KINDS.join('|');

function isKind(kind: string): kind is RegistrationKind {
  return (REGISTRATION_KINDS as readonly string[]).includes(kind);
}

const register: Command = {
  name: 'register',
  operands: 'path sink',
  about: 'have each change POSTed to a sink (a URL) as a CloudEvent, by the watch function',
  options: { k: { value: KINDS, about: 'which changes; the default is data' } },
  async run({ shell, input, call }) {
    const path = input.path();
    const kind = input.value('k') ?? 'data';
    if (!isKind(kind)) throw new UsageError(`-k must be one of ${KINDS}, not ${JSON.stringify(kind)}.`);
    const sink = input.operand(1) ?? '';
    if (!URL.canParse(sink) || !/^https?:/i.test(sink)) {
      throw new UsageError(`The sink must be an http or https URL, not ${JSON.stringify(sink)}.`);
    }
    const client = await shell.client(call.signal);
    const registration = await client.register(path, kind, sink, call);
    return { text: `Registered ${registration.id}`, json: registration };
  },
};

const unregister: Command = {
  name: 'unregister',
  operands: 'path id',
  about: 'end a registration',
  async run({ shell, input, call }) {
    const path = input.path();
    const id = input.operand(1) ?? '';
    await (await shell.client(call.signal)).unregister(path, id, call);
    return { text: '', json: { path, id, unregistered: true } };
  },
};

const registrations: Command = {
  name: 'registrations',
  operands: 'path',
  about: 'list the registrations of a node',
  async run({ shell, input, call }) {
    const path = input.path();
    const found = await (await shell.client(call.signal)).listRegistrations(path, call);
    const rows = found.map(({ id, kind, sink, zxid }) => `${id} ${kind} ${sink} since ${hex(zxid)}`);
    return { text: rows.join('\n'), json: { path, registrations: found } };
  },
};

export const registrationCommands: readonly Command[] = [register, unregister, registrations];
