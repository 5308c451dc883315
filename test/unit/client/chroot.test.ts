import { Chroot } from '../../../client/chroot.ts';

test('paths are mapped both ways', () => {
  const chroot = new Chroot('/app/x');
  expect([chroot.toSystem('/'), chroot.toSystem('/a/b')]).toEqual(['/app/x', '/app/x/a/b']);
  expect([chroot.toUser('/app/x'), chroot.toUser('/app/x/a'), chroot.toUser('/app/xy')]).toEqual([
    '/',
    '/a',
    '/app/xy',
  ]);
  expect([chroot.contains('/app/x/a'), chroot.contains('/app/xy')]).toEqual([true, false]);
  expect(chroot.toSystem('/', true)).toBe('/app/x/');
});

test('without a chroot, or with /, paths stay as they are', () => {
  for (const root of [undefined, '/']) expect(new Chroot(root).toSystem('/a')).toBe('/a');
  expect(() => new Chroot('a/')).toThrow(/must start with/);
});
