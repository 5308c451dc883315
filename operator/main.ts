/** The program of the operator. */
import { SETTINGS_HELP } from './settings.ts';

const help = () => {
  const settings = SETTINGS_HELP.map(([name, text]) => `  ${name}\n      ${text}`);
  return `operator: makes instances of FaaSKeeper as their resources say

Usage: operator [command]

  run               reconciles until SIGTERM (default); of several, one leads
  credentials       makes what is missing of the release's own credentials
  check-uninstall   fails while there are instances, and lists them
  self-test         declares an instance, uses it and removes it
  --help            this text

Settings of run (environment variables):
${settings.join('\n')}
`;
};

async function command(name: string): Promise<number> {
  switch (name) {
    case 'run':
      return (await import('./run.ts')).runOperator(process.env);
    case 'credentials':
      await (await import('./credentials/index.ts')).runCredentials(process.env);
      return 0;
    case 'check-uninstall':
      return (await import('./uninstall/index.ts')).checkUninstall();
    case 'self-test':
      return (await import('./self-test/index.ts')).selfTest(process.env);
    default:
      process.stderr.write(`operator: there is no command ${name}. See --help.\n`);
      return 2;
  }
}

const [name = 'run'] = process.argv.slice(2);
if (name === '--help' || name === '-h') process.stdout.write(help());
else {
  try {
    process.exit(await command(name));
  } catch (error) {
    const isKnown =
      error instanceof Error &&
      ['SettingsError', 'StoresConfigError', 'CredentialsError', 'KubernetesError'].includes(error.name);
    process.stderr.write(`operator: ${isKnown ? error.message : ((error as Error).stack ?? error)}\n`);
    process.exit(1);
  }
}
