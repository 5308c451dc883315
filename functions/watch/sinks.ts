import type { Sinks } from '../core/ports.ts';
import { eventHeaders } from '../host/events.ts';

/** Posts events to sinks as CloudEvents in HTTP binary mode, with JSON data. */
export class HttpSinks implements Sinks {
  async post(url: string, event: Parameters<Sinks['post']>[1], timeoutMs: number): Promise<number> {
    const { data, ...attributes } = event;
    const response = await fetch(url, {
      method: 'POST',
      headers: eventHeaders(attributes, 'application/json'),
      body: JSON.stringify(data),
      // A sink says where it is when it is registered; a redirect must not lead elsewhere.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  }
}
