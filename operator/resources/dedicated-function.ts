import type { FaaSKeeper, FunctionName, FunctionScale } from '../api/index.ts';
import { type KnativeService, type Manifest, TYPES } from '../kubernetes/index.ts';
import { functionName, labelsOf } from './names.ts';

interface Template {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly containers?: readonly Readonly<Record<string, unknown>>[] };
}

const SCALE = 'autoscaling.knative.dev';

/**
 * A function of an instance's own: as the shared one of the release is, but for its scale and resources. Hence it is
 * upgraded with the release.
 */
export function dedicatedFunction(resource: FaaSKeeper, name: FunctionName, shared: KnativeService): Manifest {
  const template = (shared.spec?.template ?? {}) as Template;
  const { minScale, maxScale, resources } = scaleOf(resource, name);
  const labels = labelsOf(resource, name);
  const [container, ...others] = template.spec?.containers ?? [];
  const { apiVersion, kind } = TYPES.knativeService;
  return {
    apiVersion,
    kind,
    metadata: {
      name: functionName(resource, name),
      namespace: shared.metadata.namespace,
      labels: { ...labels, 'networking.knative.dev/visibility': 'cluster-local' },
    },
    spec: {
      template: {
        ...template,
        metadata: {
          // Policies of the release select its pods by these.
          labels: { ...labels, ...template.metadata?.labels },
          annotations: {
            ...template.metadata?.annotations,
            [`${SCALE}/min-scale`]: String(minScale ?? 0),
            ...(maxScale === undefined ? {} : { [`${SCALE}/max-scale`]: String(maxScale) }),
          },
        },
        spec: {
          ...template.spec,
          containers: [{ ...container, ...(resources === undefined ? {} : { resources }) }, ...others],
        },
      },
    },
  };
}

/** What the spec says of the function, else of all. */
function scaleOf({ spec }: FaaSKeeper, name: FunctionName): FunctionScale {
  const { minScale, maxScale, resources } = spec.functions;
  const all = { minScale, maxScale, resources };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { ...given, ...spec.functions[name] };
}
