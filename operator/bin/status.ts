/** `faaskeeper status [--json]`: exit code 0 only when everything answers. */
import { defaultHome } from '../local/home.ts';
import { localStatus } from '../local/status.ts';

const [option, ...more] = process.argv.slice(2);
if ((option !== undefined && option !== '--json') || more.length > 0) {
  console.error('Usage: npx faaskeeper [--home <directory>] status [--json]');
  process.exit(2);
}
const status = await localStatus(defaultHome());
if (option === '--json') {
  console.log(JSON.stringify(status, null, 2));
} else {
  console.log(status.summary);
  for (const { name, pid, address, answers, reason } of status.processes) {
    console.log(
      `  ${answers ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${address} (process ${pid})${reason ? `: ${reason}` : ''}`,
    );
  }
}
process.exitCode = status.ready ? 0 : 1;
