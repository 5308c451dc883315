/** `npm run generate`: writes the chart's template of the CRD from its definition in TypeScript. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crdTemplate } from './template.ts';

const file = join(import.meta.dirname, '../../charts/faaskeeper/templates/crd.yaml');
await writeFile(file, crdTemplate());
