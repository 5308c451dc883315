import { type Delivery, type LaneSource, LaneTakenOverError } from '../../functions/core/ports.ts';
import { bytes, text } from './bytes.ts';

/**
 * Something that lanes of one input can be opened on; `send` resolves when the message is in it, with its sequence where
 * lanes have to be told of it (LOG).
 */
export interface LaneUnderTest {
  source(): LaneSource;
  // biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to tell
  send(payload: Uint8Array): Promise<number | void>;
}

const ALL = { messages: 1_000, bytes: 8_000_000 };
const patience = () => AbortSignal.timeout(20_000);
export const texts = (batch: readonly Delivery[]): (string | undefined)[] => batch.map(({ payload }) => text(payload));

/** Takes until so many messages have come. */
export async function take(lane: LaneSource, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  while (taken.length < count) taken.push(...(await lane.next(ALL, patience())));
  return taken;
}

/** What every implementation of LaneSource must do. */
export function describeLaneContract(name: string, make: () => Promise<LaneUnderTest>): void {
  describe(`lane contract: ${name}`, () => {
    let input: LaneUnderTest;
    const opened: LaneSource[] = [];
    const open = async () => {
      const lane = input.source();
      opened.push(lane);
      await lane.open();
      return lane;
    };
    const sendOne = async (message: string | number) => {
      const sequence = await input.send(bytes(String(message)));
      for (const lane of opened) lane.expect(sequence ?? 0);
    };
    const send = async (...messages: (string | number)[]) => {
      for (const message of messages) await sendOne(message);
    };
    beforeEach(async () => {
      input = await make();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((lane) => lane.close()));
    });

    test('messages come in order, those from before it was opened as well', async () => {
      await send('a', 'b');
      const lane = await open();
      await send('c');
      const taken = await take(lane, 3);
      expect(texts(taken)).toEqual(['a', 'b', 'c']);
      const sequences = taken.map(({ sequence }) => sequence);
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    });

    test('a batch stays within its bounds, but one message always comes', async () => {
      await send(...Array.from({ length: 10 }, (_, i) => `m${i}`));
      const lane = await open();
      // All ten are prefetched when the first has come through a batch of one.
      expect(texts(await lane.next({ messages: 1, bytes: 1 }, patience()))).toEqual(['m0']);
      expect((await lane.next({ messages: 3, bytes: 1_000 }, patience())).length).toBeLessThanOrEqual(3);
      expect((await lane.next({ messages: 100, bytes: 4 }, patience())).length).toBeLessThanOrEqual(2);
    });

    test('waiting ends with the signal and loses nothing', async () => {
      const lane = await open();
      const reason = new Error('enough');
      const stop = new AbortController();
      const waiting = lane.next(ALL, stop.signal);
      stop.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await send('a');
      expect(texts(await take(lane, 1))).toEqual(['a']);
    });

    test('a new owner begins at the first message that was not acknowledged, and the old one ends', async () => {
      await send('a', 'b', 'c', 'd');
      const old = await open();
      const taken = await take(old, 4);
      old.acknowledge(taken[1]!.sequence);
      await old.close();
      const first = await open();
      await send('e');
      expect(texts(await take(first, 3))).toEqual(['c', 'd', 'e']);
      const second = await open();
      await expect(take(first, 1)).rejects.toThrow(LaneTakenOverError);
      expect(texts(await take(second, 3))).toEqual(['c', 'd', 'e']);
    });

    test('opened again by its owner it begins at the first message that was not acknowledged', async () => {
      await send('a', 'b', 'c');
      const lane = await open();
      const taken = await take(lane, 3);
      lane.acknowledge(taken[0]!.sequence);
      await lane.open();
      expect(texts(await take(lane, 2))).toEqual(['b', 'c']);
    });

    test('every message comes once over many batches', async () => {
      const lane = await open();
      const count = 5_000;
      // As many at a time as a sender may have outstanding: thousands of fsyncs at once take longer than a send may.
      const sending = (async () => {
        for (let i = 0; i < count; i += 100) {
          await Promise.all(Array.from({ length: 100 }, (_, j) => sendOne(i + j)));
        }
      })();
      const seen: (string | undefined)[] = [];
      while (seen.length < count) {
        const batch = await lane.next({ messages: 256, bytes: 1_000_000 }, patience());
        seen.push(...texts(batch));
        lane.acknowledge(batch.at(-1)!.sequence);
      }
      await sending;
      expect(seen).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    });

    test('a closed lane gives nothing more', async () => {
      const lane = await open();
      const waiting = expect(lane.next(ALL, patience())).rejects.toThrow();
      await lane.close();
      await waiting;
    });
  });
}
