/** `npm run build`: the functions' programs, the client library and its types. `--client`: only what is out of date of the client. */
import { buildClient, buildFunctions, buildGateway } from '../local/build.ts';
import { buildTypes } from '../local/types.ts';

if (process.argv.includes('--client')) {
  await buildClient();
} else {
  await Promise.all([buildFunctions({ force: true }), buildClient({ force: true }), buildGateway({ force: true })]);
  await buildTypes();
  console.log('Built: dist/functions, client/dist, client/protocol/dist, client/objects/dist');
}
