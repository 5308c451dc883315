import {
  decodeChunk,
  decodeData,
  decodeNodeObject,
  encodeChunk,
  encodeData,
  encodeNodeObject,
  instanceSpecSchema,
  type NodeObject,
  validate,
} from '@faaskeeper/protocol';
import { decodeLogPayload, encodeLogPayload } from '../../../functions/core/log-entry.ts';
import { checkedValue, withChecksum } from '../../../functions/stores/redis/checked.ts';
import { fuzz, onlyThrows } from '../../support/fuzz.ts';
import { TreeModel } from '../../support/tree-model.ts';

const node: NodeObject = { state: 'absent', path: '/a', zxid: 7 };

test('a stored object is what it was, or an error says that it is damaged', async () => {
  const kinds = [
    [encodeNodeObject(node), (bytes: Uint8Array) => decodeNodeObject(bytes, '/a'), node],
    [encodeChunk(['a', 'b']), (bytes: Uint8Array) => decodeChunk(bytes, '/a'), ['a', 'b']],
    [encodeData(new Uint8Array(20)), (bytes: Uint8Array) => [...decodeData(bytes, '/a')], Array(20).fill(0)],
  ] as const;
  await fuzz(3_000, (random) => {
    const [bytes, decode, value] = random.pick(kinds);
    onlyThrows(() => expect(decode(random.mutated(bytes))).toEqual(value), 'DamagedError', 'NewerFormatError');
  });
});

test('so is a value of the system store', async () => {
  await fuzz(2_000, (random) => {
    const value = random.bytes(50);
    const stored = Buffer.from(random.mutated(withChecksum('/a', value)));
    onlyThrows(() => expect([...checkedValue('/a', stored)]).toEqual([...value]), 'DamagedError');
    onlyThrows(() => checkedValue('/b', Buffer.from(withChecksum('/a', value))), 'DamagedError');
  });
});

test('a LOG message that no writer of ours made is refused, never half read', async () => {
  const model = new TreeModel();
  const entry = model.entry([{ create: '/a', data: new Uint8Array(10) }]);
  const good = encodeLogPayload({ in: 'message', entry });
  await fuzz(2_000, (random) => {
    onlyThrows(() => decodeLogPayload(random.mutated(good)), 'MarshallingError', 'NewerFormatError');
  });
});

test('the document of an instance is taken whole or refused', async () => {
  const good = { id: 'i1', storagePrefix: 'i1/', sessions: { minTimeout: 1_000 }, gateway: { port: 1, limits: {} } };
  await fuzz(2_000, (random) => {
    onlyThrows(() => validate(instanceSpecSchema, random.changed(good), 'spec'), 'MarshallingError');
  });
});
