/** A program whose events take as long as their data says (ms, as text). */
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../../functions/host/index.ts';

await runProgram({
  name: 'slow',
  summary: 'takes its time',
  help: [],
  begin: ({ logger }) => ({
    notReady: () => undefined,
    event: async (_, body) => {
      await sleep(Number(body.toString()));
      return new TextEncoder().encode('done');
    },
    close: async () => logger.info({}, 'closed'),
  }),
});
