import { randomBytes } from 'node:crypto';
import { FIELD_MANAGER } from '../api/index.ts';
import { type KubernetesClient, type KubernetesObject, TYPES } from '../kubernetes/index.ts';
import type { EventType, Recorder } from '../reconcilers/ports.ts';
import { CONTROLLER } from './bounds.ts';
import { microTime } from './leader.ts';

const NOTE_LENGTH = 1_024;

/** Writes Events of Kubernetes; the same of an object once in a while. Never throws, and nobody waits for it. */
export class EventRecorder implements Recorder {
  readonly #client: Pick<KubernetesClient, 'create'>;
  readonly #instance: string;
  readonly #onError: (error: unknown) => void;
  /** When what was written, oldest first. */
  readonly #written = new Map<string, number>();

  constructor(client: Pick<KubernetesClient, 'create'>, instance: string, onError: (error: unknown) => void) {
    this.#client = client;
    this.#instance = instance;
    this.#onError = onError;
  }

  event(about: KubernetesObject, type: EventType, reason: string, message: string): void {
    const { namespace, name, uid, resourceVersion } = about.metadata;
    const what = `${uid}/${reason}/${message}`;
    if (!this.#isNew(what)) return;
    const { apiVersion, kind } = TYPES.event;
    const manifest = {
      apiVersion,
      kind,
      metadata: { namespace, name: `${name}.${randomBytes(8).toString('hex')}` },
      eventTime: microTime(),
      reportingController: `faaskeeper.io/${FIELD_MANAGER}`,
      reportingInstance: this.#instance,
      type,
      reason,
      action: 'Reconcile',
      note: message.slice(0, NOTE_LENGTH),
      regarding: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion },
    };
    this.#client.create(TYPES.event, manifest).catch(this.#onError);
  }

  #isNew(what: string): boolean {
    const now = performance.now();
    const at = this.#written.get(what);
    if (at !== undefined && now - at < CONTROLLER.eventRepeatMs) return false;
    this.#written.delete(what);
    this.#written.set(what, now);
    for (const oldest of this.#written.keys()) {
      if (this.#written.size <= CONTROLLER.eventsKept) break;
      this.#written.delete(oldest);
    }
    return true;
  }
}
