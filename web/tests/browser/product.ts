// The real server, and Redis, as processes of a test: started, killed, started again on the same port.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program under test; the variable PARLOR_BIN names another one. */
const PROGRAM =
  process.env['PARLOR_BIN'] ?? fileURLToPath(new URL('../../../target/debug/parlor', import.meta.url));

/** A process that is ready as soon as it writes a line of this form; resolves to what the form catches. */
function ready(child: ChildProcess, form: RegExp): Promise<string> {
  let written = '';
  return new Promise((resolve, reject) => {
    const read = (part: Buffer) => {
      written += part.toString();
      const found = form.exec(written);
      if (found) resolve(found[1] ?? '');
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended with ${String(code)}:\n${written}`)));
  });
}

/** Ends a process, and waits until it is gone. */
function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

export class Product {
  readonly #data = mkdtempSync(join(tmpdir(), 'parlor-data-'));
  readonly #flags: readonly string[];
  #child: ChildProcess | null = null;
  #address = '127.0.0.1:0';

  private constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  static async start(...flags: readonly string[]): Promise<Product> {
    const product = new Product(flags);
    await product.startAgain();
    return product;
  }

  /** Starts the server, on the port that it had before. */
  async startAgain(): Promise<void> {
    const words = ['serve', '--data', this.#data, '--listen', this.#address, '--bcrypt-cost', '4'];
    this.#child = spawn(PROGRAM, [...words, ...this.#flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#address = await ready(this.#child, /parlor listening on (\S+:\d+)/);
  }

  /** Makes the account of an operator. */
  async addOperator(name: string, password: string): Promise<void> {
    const words = [
      'user',
      'add',
      '--operator',
      '--password-stdin',
      '--bcrypt-cost',
      '4',
      '--data',
      this.#data,
      name,
    ];
    const child = spawn(PROGRAM, words, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`${password}\n`);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`user add ended with ${String(code)}`);
  }

  /** Sends all clients away over a second, and waits until the server has ended. */
  async drain(): Promise<void> {
    const child = this.#child;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    const order = spawn(PROGRAM, ['drain', '--over', '1s', '--data', this.#data], { stdio: 'inherit' });
    const code = await new Promise((resolve) => order.once('exit', resolve));
    if (code !== 0) throw new Error(`drain ended with ${String(code)}`);
    await ended;
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return this.#address;
  }

  get port(): number {
    return Number(this.#address.split(':').at(-1));
  }

  /** The server is gone at once, as by a loss of power. */
  kill(): Promise<void> {
    return end(this.#child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** A balancer in front of servers: each connection goes to the first one that takes it. */
export class Balancer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(...servers: readonly Product[]): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true }, (client) => {
      pass(
        client,
        servers.map((each) => each.port),
      );
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new Balancer(server)));
    });
  }

  get address(): string {
    return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  stop(): void {
    this.#server.close();
  }
}

/** Joins a client with the first of these ports that takes it. */
function pass(client: Socket, [port, ...others]: readonly number[]): void {
  if (port === undefined) return void client.destroy();
  const server = connect(port, '127.0.0.1');
  server.once('error', () => {
    if (server.bytesRead > 0) client.destroy();
    else pass(client, others);
  });
  server.once('connect', () => {
    client.once('error', () => server.destroy());
    client.pipe(server).pipe(client);
    client.resume();
  });
}

/** A Redis that keeps what it was told, and can be killed and started again. */
export class Redis {
  readonly #data = mkdtempSync(join(tmpdir(), 'parlor-redis-'));
  readonly #port: number;
  #child: ChildProcess | null = null;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<Redis> {
    const redis = new Redis(await freePort());
    await redis.startAgain();
    return redis;
  }

  async startAgain(): Promise<void> {
    const words = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', ''];
    const kept = ['--appendonly', 'yes', '--appendfsync', 'always'];
    this.#child = spawn('redis-server', [...words, ...kept], {
      cwd: this.#data,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await ready(this.#child, /(Ready to accept connections)/);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  kill(): Promise<void> {
    return end(this.#child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
