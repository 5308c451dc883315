/** ZooKeeper's own clients run unchanged: first against a real server, then with the same outcome against the gateway. */
import { curator, go, kazoo, type Output, zkCli } from '../../clients/programs.ts';
import { candidateInstance, startReference, type Target } from '../../differential/targets.ts';
import { startTestGateway } from '../../support/gateway.ts';
import { has } from '../../support/programs.ts';

/** Each may have to be installed first. */
const timeoutMs = 240_000;
const java = has('java', '-version');
const withJava = java && has('javac') && has('mvn') ? test : test.skip;
const withPython = java && has('python3') ? test : test.skip;
const withGo = java && has('go', 'version') ? test : test.skip;

let reference: Target | undefined;
let gateway: Target | undefined;

beforeAll(async () => {
  if (java)
    [reference, gateway] = await Promise.all([startReference(), startTestGateway({ instance: candidateInstance })]);
}, 60_000);

afterAll(async () => {
  await Promise.all([reference?.stop(), gateway?.stop()]);
});

/** Every line is the "ok" of a part; a failed one has its reason with it. */
async function worksOnBoth(program: (connectString: string) => Promise<Output>): Promise<void> {
  for (const server of [reference, gateway]) {
    const { code, stdout } = await program(server!.connectString);
    expect(stdout).toMatch(/^(ok \w+\n)+$/);
    expect(code).toBe(0);
  }
}

withJava(
  'zkCli prints the same for a session of every command (needs a JDK and Maven)',
  async () => {
    const expected = await zkCli(reference!.connectString, '/zkcli');
    expect(expected.results.length).toBeGreaterThan(50);
    expect(await zkCli(gateway!.connectString, '/zkcli')).toEqual(expected);
  },
  timeoutMs,
);

withJava("Curator's recipes work (needs a JDK and Maven)", () => worksOnBoth(curator), timeoutMs);

withPython("kazoo's recipes work (needs Python 3)", () => worksOnBoth(kazoo), timeoutMs);

withGo('go-zookeeper works (needs Go)', () => worksOnBoth(go), timeoutMs);
