import {
  AuthFailedError,
  CREATOR_ALL_ACL,
  InvalidAclError,
  NoAuthError,
  Permission,
  READ_ACL_UNSAFE,
} from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

const text = (data: Uint8Array | null) => Buffer.from(data as Uint8Array).toString();

describe('ACLs', () => {
  test('are got and set with their own version', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a');
    const open = await client.getACL('/a');
    expect(open.acl).toEqual([{ scheme: 'world', id: 'anyone', permissions: Permission.ALL }]);
    expect(await client.setACL('/a', READ_ACL_UNSAFE, 0)).toMatchObject({ aversion: 1, version: 0 });
    await expect(client.setACL('/a', READ_ACL_UNSAFE)).rejects.toThrow(NoAuthError);
    await expect(client.setData('/a', 'x')).rejects.toThrow(NoAuthError);
    await expect(client.getACL('/none')).rejects.toMatchObject({ code: 'NoNode', path: '/none' });
    await expect(client.create('/b', null, { acl: [] })).rejects.toThrow(InvalidAclError);
    await expect(client.create('/b', null, { acl: CREATOR_ALL_ACL })).rejects.toThrow(InvalidAclError);
  });

  test('keep a node from who may not read it, and its owner reads it through the system', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const [owner, other] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
    await owner.addAuth('digest', 'ann:secret');
    expect(await owner.whoAmI()).toEqual(expect.arrayContaining([expect.objectContaining({ scheme: 'digest' })]));
    await owner.create('/mine', 'private', { acl: CREATOR_ALL_ACL });
    await owner.create('/mine/child', null, { acl: CREATOR_ALL_ACL });
    for (let n = 0; n < 3; n++) {
      expect(text((await owner.getData('/mine')).data)).toBe('private');
      expect(await owner.getChildren('/mine')).toEqual(['child']);
    }
    await other.sync('/');
    await expect(other.getData('/mine')).rejects.toThrow(NoAuthError);
    await expect(other.exists('/mine')).rejects.toThrow(NoAuthError);
    await expect(other.getChildren('/mine')).rejects.toThrow(NoAuthError);
    await other.addAuth('digest', 'ann:secret');
    expect(text((await other.getData('/mine')).data)).toBe('private');
    await expect(other.addAuth('nothing', 'x')).rejects.toThrow(AuthFailedError);
  });

  test('a watch on a node that not everyone may read tells its changes', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const owner = await faaskeeper.connect();
    await owner.addAuth('digest', 'ann:secret');
    await owner.create('/mine', '0', { acl: CREATOR_ALL_ACL });
    const told: string[] = [];
    await owner.getData('/mine', { watch: ({ type }) => told.push(type) });
    await owner.setData('/mine', '1');
    expect(told).toEqual(['NodeDataChanged']);
    await owner.exists('/mine', { watch: ({ type }) => told.push(type) });
    await owner.delete('/mine');
    expect(told).toEqual(['NodeDataChanged', 'NodeDeleted']);
  });
});
