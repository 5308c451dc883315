import type { InstanceSpecInput } from '@faaskeeper/protocol';
import type { NatsAddress } from './options.ts';

/** Makes the instance's streams and tells trigger and functions of it; may be repeated. */
export async function declareLocalInstance(nats: NatsAddress, spec: InstanceSpecInput): Promise<void> {
  // Imported here because it takes a while to load, and `--help` and errors in the flags should not wait for it.
  const { connectNats, declareInstance } = await import('@faaskeeper/functions/stores');
  const { url, user, password } = nats;
  const connection = await connectNats({ url, user, password, name: 'faaskeeper-local' });
  try {
    await declareInstance(connection, spec);
  } finally {
    await connection.close();
  }
}
