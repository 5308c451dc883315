import { type Log, LogTrimmedError } from '../../functions/core/ports.ts';
import { binary, bytes, text } from './bytes.ts';

/** A fresh log, and a second way to it, as another writer has it. */
export interface LogUnderTest {
  readonly log: Log;
  readonly other: Log;
}

/** What every implementation of Log must do. */
export function describeLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`log contract: ${name}`, () => {
    let log: Log;
    let other: Log;
    beforeEach(async () => {
      ({ log, other } = await make());
    });

    const fill = async (count: number, size = 10) => {
      const { last } = await log.bounds();
      for (let i = last; i < last + count; i++) {
        expect(await log.append(binary(size), i)).toEqual({ outcome: 'appended', sequence: i + 1 });
      }
    };

    test('an empty log begins at 1', async () => {
      expect(await log.bounds()).toEqual({ first: 1, last: 0 });
      expect(await log.read(1, 10)).toEqual([]);
    });

    test('appends get dense sequences and are read back byte for byte', async () => {
      await fill(3, 1_000);
      expect(await log.bounds()).toEqual({ first: 1, last: 3 });
      const read = await other.read(1, 10);
      expect(read.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      for (const { payload } of read) expect(Buffer.from(payload).equals(binary(1_000))).toBe(true);
    });

    test('an append on a stale or a future sequence is refused and leaves nothing', async () => {
      await fill(2);
      expect(await log.append(bytes('stale'), 1)).toMatchObject({ outcome: 'refused' });
      expect(await log.append(bytes('future'), 3)).toMatchObject({ outcome: 'refused' });
      expect(await log.bounds()).toEqual({ first: 1, last: 2 });
    });

    test('of two writers that race for a sequence exactly one wins', async () => {
      for (let last = 0; last < 50; last++) {
        const outcomes = await Promise.all([log.append(bytes('one'), last), other.append(bytes('two'), last)]);
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['appended', 'refused']);
        const winner = outcomes[0].outcome === 'appended' ? 'one' : 'two';
        expect(text((await log.read(last + 1, 1))[0]?.payload)).toBe(winner);
      }
    });

    test.each([1, 5, 120])('a read gives at most %i messages, without gaps', async (count) => {
      await fill(130);
      const read = await log.read(4, count);
      expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: count }, (_, i) => 4 + i));
    });

    test('a read ends where the log ends', async () => {
      await fill(20);
      expect((await log.read(15, 1_000)).map(({ sequence }) => sequence)).toEqual([15, 16, 17, 18, 19, 20]);
      expect(await log.read(21, 10)).toEqual([]);
      expect(await log.read(100, 10)).toEqual([]);
    });

    test('a read of more bytes than one answer takes is complete', async () => {
      await fill(40, 1_048_576);
      const read = await log.read(1, 40);
      expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect(read.every(({ payload }) => payload.length === 1_048_576)).toBe(true);
    });

    test('what is trimmed is refused to readers, the rest stays', async () => {
      await fill(12);
      await log.trim(7);
      expect(await other.bounds()).toEqual({ first: 8, last: 12 });
      await expect(log.read(7, 1)).rejects.toThrow(LogTrimmedError);
      await expect(log.read(1, 100)).rejects.toThrow(LogTrimmedError);
      expect((await log.read(8, 100)).map(({ sequence }) => sequence)).toEqual([8, 9, 10, 11, 12]);
      await log.trim(3);
      expect(await other.bounds()).toEqual({ first: 8, last: 12 });
    });

    test('a log that is trimmed to its end, or past it, goes on at the next sequence', async () => {
      await fill(3);
      await log.trim(3);
      expect(await log.bounds()).toEqual({ first: 4, last: 3 });
      expect(await log.read(4, 10)).toEqual([]);
      await log.trim(50);
      expect(await log.bounds()).toEqual({ first: 4, last: 3 });
      expect(await log.append(bytes('next'), 3)).toEqual({ outcome: 'appended', sequence: 4 });
    });

    test('an append whose caller gave up is unknown, a read rejects with the reason', async () => {
      const reason = new Error('given up');
      const gone = AbortSignal.abort(reason);
      expect(await log.append(bytes('perhaps'), 0, gone)).toEqual({ outcome: 'unknown', cause: reason });
      await expect(log.read(1, 1, gone)).rejects.toBe(reason);
    });
  });
}
