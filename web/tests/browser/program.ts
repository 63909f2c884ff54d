// A program that speaks in a room by the address of a hook.
import { request } from 'node:https';

/** Says a text. Gives the status of the answer. */
export function post(address: string, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // The certificate is the server's own. Who does not offer HTTP is taken for a client of lines.
    const options = { method: 'POST', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
    const asked = request(address, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end(text);
  });
}
