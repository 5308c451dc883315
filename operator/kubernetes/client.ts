import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { KubernetesError } from './errors.ts';
import { collectionPath, type KubernetesObject, type Manifest, objectPath, type ResourceType } from './types.ts';

/** Bounds of requests to the API server. */
const BOUNDS = {
  requestMs: 30_000,
  /** Objects of one page of a list. */
  page: 500,
  /** Certificates of the API server may be replaced: connections are made anew so often, ms. */
  connectionsMs: 10 * 60_000,
} as const;

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

export interface ListResult<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

/**
 * Requests to the API server as JSON, without the typed models of the library: they drop fields that they do not know.
 * Every method throws KubernetesError.
 */
export class KubernetesClient {
  readonly #config: KubeConfig;
  readonly #fieldManager: string;
  readonly #http = new IsomorphicFetchHttpLibrary();
  #dispatcher: { readonly value: Dispatcher; readonly since: number } | undefined;

  constructor(config: KubeConfig, fieldManager: string) {
    this.#config = config;
    this.#fieldManager = fieldManager;
  }

  async get<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    try {
      return await this.#request<T>(HttpMethod.GET, objectPath(type, namespace, name));
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list<T extends KubernetesObject>(
    type: ResourceType<T>,
    { namespace, labels }: { readonly namespace?: string | undefined; readonly labels?: string | undefined } = {},
  ): Promise<ListResult<T>> {
    const items: T[] = [];
    let next = '';
    for (;;) {
      const query = {
        limit: String(BOUNDS.page),
        ...(labels ? { labelSelector: labels } : {}),
        ...(next ? { continue: next } : {}),
      };
      const page = await this.#request<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>(
        HttpMethod.GET,
        collectionPath(type, namespace),
        { query },
      );
      items.push(...page.items);
      next = page.metadata.continue ?? '';
      if (next === '') return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  /** Server-side apply: the fields of the manifest become as they are in it, and ours. */
  apply<T extends KubernetesObject>(type: ResourceType<T>, manifest: Manifest): Promise<T> {
    return this.#apply(objectPath(type, manifest.metadata.namespace, manifest.metadata.name), manifest);
  }

  /** ... of the status; the manifest has the uid, so that a status never makes an object. */
  applyStatus<T extends KubernetesObject>(type: ResourceType<T>, manifest: Manifest): Promise<T> {
    return this.#apply(`${objectPath(type, manifest.metadata.namespace, manifest.metadata.name)}/status`, manifest);
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, manifest: Manifest): Promise<T> {
    return this.#request(HttpMethod.POST, collectionPath(type, manifest.metadata.namespace), { body: manifest });
  }

  /** Fails with a conflict when the object is not of the resourceVersion that it is given with. */
  replace<T extends KubernetesObject>(type: ResourceType<T>, object: T): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#request(HttpMethod.PUT, objectPath(type, namespace, name), { body: object });
  }

  mergePatch<T extends KubernetesObject>(
    type: ResourceType<T>,
    { namespace, name }: { readonly namespace: string; readonly name: string },
    patch: object,
  ): Promise<T> {
    return this.#request(HttpMethod.PATCH, objectPath(type, namespace, name), {
      body: patch,
      contentType: 'application/merge-patch+json',
    });
  }

  /** An object that is gone already is fine, and so is one of another uid. */
  async delete(type: ResourceType, object: KubernetesObject): Promise<void> {
    const { namespace, name, uid } = object.metadata;
    try {
      await this.#request(HttpMethod.DELETE, objectPath(type, namespace, name), {
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy: 'Background' },
      });
    } catch (error) {
      if (error instanceof KubernetesError && (error.status === 404 || error.status === 409)) return;
      throw error;
    }
  }

  #apply<T>(path: string, manifest: Manifest): Promise<T> {
    return this.#request(HttpMethod.PATCH, path, {
      body: manifest,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: this.#fieldManager, force: 'true' },
    });
  }

  async #request<T>(method: HttpMethod, path: string, options: RequestOptions = {}): Promise<T> {
    const context = new RequestContext(`${this.#config.getCurrentCluster()?.server}${path}`, method);
    for (const [name, value] of Object.entries(options.query ?? {})) context.setQueryParam(name, value);
    context.setHeaderParam('accept', 'application/json');
    if (options.body !== undefined) {
      context.setHeaderParam('content-type', options.contentType ?? 'application/json');
      context.setBody(JSON.stringify(options.body));
    }
    context.setSignal(AbortSignal.timeout(BOUNDS.requestMs));
    let status: number;
    let text: string;
    try {
      await this.#config.applySecurityAuthentication(context);
      this.#keepConnections(context);
      const response = await this.#http.send(context).toPromise();
      status = response.httpStatusCode;
      text = await response.body.text();
    } catch (cause) {
      throw new KubernetesError(0, 'Unreachable', `The API server could not be reached: ${reasonOf(cause)}`, { cause });
    }
    if (status >= 200 && status < 300) return JSON.parse(text) as T;
    const answer = statusOf(text);
    const message = `${method} ${path} was answered ${status}: ${answer.message ?? text.slice(0, 512)}`;
    throw new KubernetesError(status, answer.reason ?? '', message);
  }

  /** The library makes a new dispatcher, hence a new connection, for each request: one is kept for all. */
  #keepConnections(context: RequestContext): void {
    const fresh = context.getDispatcher();
    if (fresh === undefined) return;
    const now = performance.now();
    if (this.#dispatcher === undefined || now - this.#dispatcher.since > BOUNDS.connectionsMs) {
      void this.#dispatcher?.value.close().catch(() => undefined);
      this.#dispatcher = { value: fresh, since: now };
    }
    context.setDispatcher(this.#dispatcher.value);
  }
}

interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

function statusOf(text: string): { readonly message?: string; readonly reason?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** fetch hides why it failed in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string }; message?: string };
  return cause?.message ?? message ?? String(error);
}
