/** Attempts to do what one may or may not, below the client library. */
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { connectS3 } from '@faaskeeper/functions/stores';
import { connect, credsAuthenticator, Events } from 'nats';

/** How a server refuses who has no credentials. */
export const nobody = /Authorization Violation/i;

export interface RawClient {
  /** `publish SUBJECT` and `subscription SUBJECT`, as the server refused them. */
  readonly violations: readonly string[];
  /** Resolves when the server has taken or refused it. */
  publish(subject: string, payload: string, reply?: string): Promise<void>;
  /** Payloads heard from now on. */
  hear(subject: string): readonly string[];
  /** Resolves when the server has answered all before. */
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function rawClient(url: string, creds: string | undefined, id: string): Promise<RawClient> {
  const connection = await connect({
    servers: url,
    inboxPrefix: `_INBOX_${id}`,
    reconnect: false,
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
  });
  const violations: string[] = [];
  void (async () => {
    for await (const { type, permissionContext: refused } of connection.status()) {
      if (type === Events.Error && refused !== undefined) violations.push(`${refused.operation} ${refused.subject}`);
    }
  })();
  // The status comes through an iterator: one turn later than the answer.
  const settled = async () => {
    await connection.flush();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    violations,
    settled,
    async publish(subject, payload, reply) {
      connection.publish(subject, payload, reply === undefined ? {} : { reply });
      await settled();
    },
    hear(subject) {
      const heard: string[] = [];
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) heard.push(message.string());
        },
      });
      return heard;
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** HTTP status of the answer. */
export async function tryObject(
  connection: ReturnType<typeof connectS3>,
  Bucket: string,
  what: 'get' | 'put' | 'delete' | 'list',
  key: string,
): Promise<number | undefined> {
  const { client } = await connection.sdk();
  const at = { Bucket, Key: key };
  const attempts = {
    get: () => client.send(new GetObjectCommand(at)),
    put: () => client.send(new PutObjectCommand({ ...at, Body: 'text' })),
    delete: () => client.send(new DeleteObjectCommand(at)),
    list: () => client.send(new ListObjectsV2Command({ Bucket, Prefix: key })),
  };
  try {
    return (await attempts[what]()).$metadata.httpStatusCode;
  } catch (error) {
    return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  }
}
