import type { ServerResponse } from 'node:http';

/** What a program tells of itself. */
export interface About {
  /** Why it cannot work now, undefined when it can. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
}

/** Answers probes and the scraper of metrics; everything else is not found. */
export async function answerAbout(url: string | undefined, response: ServerResponse, about: About): Promise<void> {
  const answer = (status: number, text: string, type = 'text/plain') =>
    response.writeHead(status, { 'content-type': type }).end(text);
  if (url === '/health/live') answer(200, 'live');
  else if (url === '/health/ready') {
    const reason = about.notReady();
    answer(reason === undefined ? 200 : 503, reason ?? 'ready');
  } else if (url === '/metrics') {
    try {
      const { text, type } = await about.metrics();
      answer(200, text, type);
    } catch (error) {
      answer(500, String(error));
    }
  } else answer(404, 'not found');
}
