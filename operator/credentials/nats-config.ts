import { LIMITS } from '@faaskeeper/protocol';
import type { NatsClaims } from './nats-identity.ts';

/** Where the bundled server listens and keeps its data (chart: the Service's ports and the volume's mount). */
export const NATS_SERVER = { port: 4_222, monitoringPort: 8_222, storeDir: '/data' } as const;

const BOUNDS = {
  /** Subjects are derived from paths, so a line of the protocol may be longer than NATS' default of 4 KiB. */
  controlLineBytes: 64 * 1024,
  /**
   * JetStream sets aside what each stream may hold at most, 32 MiB for the requests of an instance, of which an idle one
   * uses nothing: enough for 32,768 instances. What memory there is, the pod's limit says.
   */
  reservedMemoryBytes: 1024 ** 4,
} as const;

/** Configuration of the bundled nats-server. It holds claims, which are public, and no seed. */
export function natsConfig({ operator, systemAccount, account }: NatsClaims): string {
  return `# Made once: the account's key in it names the directory of all streams.
server_name: faaskeeper
port: ${NATS_SERVER.port}
http_port: ${NATS_SERVER.monitoringPort}
max_payload: ${LIMITS.payloadBytes}
max_control_line: ${BOUNDS.controlLineBytes}
jetstream {
  store_dir: ${JSON.stringify(NATS_SERVER.storeDir)}
  sync_interval: always
  max_memory_store: ${BOUNDS.reservedMemoryBytes}
}
operator: ${operator}
system_account: ${systemAccount.id}
resolver: MEMORY
resolver_preload: {
  ${systemAccount.id}: ${systemAccount.claims}
  ${account.id}: ${account.claims}
}
`;
}
