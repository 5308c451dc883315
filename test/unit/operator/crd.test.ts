import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONDITIONS, customResourceDefinition } from '../../../operator/api/index.ts';
import { crdTemplate } from '../../../operator/api/template.ts';

const projectDir = join(import.meta.dirname, '../../..');
const [version] = customResourceDefinition.spec.versions;

describe('the definition of the resource', () => {
  it('is in the chart as it is here: run `npm run generate`', () => {
    expect(readFileSync(join(projectDir, 'charts/faaskeeper/templates/crd.yaml'), 'utf8')).toBe(crdTemplate());
  });

  it('has the defaults within in the default of each object, as the API server checks them by the rules', () => {
    const { spec } = version.schema.openAPIV3Schema.properties as { spec: { default: object } };
    expect(spec.default).toMatchObject({
      sessions: { tickMs: 2_000 },
      functions: { isolation: 'Shared' },
      gateway: { enabled: true, exposure: 'ClusterIP' },
      deletionPolicy: 'Retain',
      suspend: false,
    });
  });

  it('describes every field', () => {
    const undescribed: string[] = [];
    const visit = (
      path: string,
      schema: { description?: string; properties?: Record<string, object>; items?: object },
    ) => {
      if (!schema.description) undescribed.push(path);
      for (const [name, child] of Object.entries(schema.properties ?? {})) visit(`${path}.${name}`, child);
      if (schema.items) visit(`${path}[]`, schema.items);
    };
    const { spec, status } = version.schema.openAPIV3Schema.properties as Record<string, object>;
    visit('spec', spec as object);
    visit('status', status as object);
    expect(undescribed).toEqual([]);
  });

  it('is not taken by Helm for a template of its own', () => {
    expect(JSON.stringify(customResourceDefinition)).not.toContain('{{');
    expect(CONDITIONS).toContain('Ready');
  });
});
