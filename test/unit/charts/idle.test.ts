import { describeChart, named, RELEASE, render } from '../../support/chart.ts';

describeChart('what runs all the time', () => {
  test.each(['operator', 'trigger', 'gateway'])('%s collects its garbage when it is idle', async (program) => {
    const { spec } = named(await render(), 'Deployment', `${RELEASE}-${program}`);
    const [{ command }] = spec.template.spec.containers;
    expect(command).toEqual(['node', '--import', '/app/preload/idle.mjs', `/app/${program}.mjs`]);
  });
});
