// A client of the line protocol: says things without a browser, and reads the history that a page has to agree with.
import { connect, type TLSSocket } from 'node:tls';

interface Line {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Said {
  readonly id: number;
  readonly from: string;
  readonly text: string;
}

export class LineClient {
  readonly #socket: TLSSocket;
  readonly #lines: Line[] = [];
  #rest = '';
  #heard: () => void = () => undefined;

  private constructor(port: number) {
    // The certificate is the server's own.
    this.#socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (part: string) => this.#read(part));
  }

  /** Makes an account, and logs in with it. */
  static register(port: number, user: string): Promise<LineClient> {
    return LineClient.#begin(port, `REGISTER ${user} ${passwordOf(user)}`);
  }

  static logIn(port: number, user: string): Promise<LineClient> {
    return LineClient.#begin(port, `LOGIN ${user} ${passwordOf(user)}`);
  }

  static async #begin(port: number, line: string): Promise<LineClient> {
    const client = new LineClient(port);
    client.write('FORMAT json');
    await client.ask(line);
    return client;
  }

  write(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Writes a line, and gives its answer: the next line that is one. */
  async ask(line: string): Promise<Line> {
    this.#lines.length = 0;
    this.write(line);
    for (;;) {
      const answer = this.#lines.find((each) => isAnswer(each));
      if (answer?.type === 'error') throw new Error(`${line}: ${String(answer['code'])}`);
      if (answer) return answer;
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  /** What was said in a room that this user is in, oldest first. */
  async history(room: string): Promise<readonly Said[]> {
    await this.ask(`/join ${room}`).catch((error: unknown) => {
      if (!String(error).includes('already-in-room')) throw error;
    });
    return (await this.ask('/history 500'))['messages'] as readonly Said[];
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(part: string): void {
    const lines = (this.#rest + part).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{')) this.#lines.push(JSON.parse(line) as Line);
    }
    this.#heard();
  }
}

function isAnswer(line: Line): boolean {
  return (
    line.type === 'error' || line.type === 'history' || (line.type === 'ok' && line['command'] !== 'format')
  );
}

/** Every account of the tests has a password of this form. */
export function passwordOf(user: string): string {
  return `password of ${user}`.replaceAll(' ', '-');
}
