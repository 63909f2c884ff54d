// The tab's end of the line to the hub: asks, and matches what is answered.
import type { FromHub, Port, ToHub } from '../connection/messages';
import { failed } from '../connection/outcome';
import type { Answer, AnswerOf } from '../protocol/events';
import type { Outcome } from './model';

type WithNumber = Extract<ToHub, { readonly n: number }>;
type Asked = WithNumber extends infer M ? (M extends WithNumber ? Omit<M, 'n'> : never) : never;

export class Link {
  private readonly waiting = new Map<number, (outcome: Outcome<Answer | undefined>) => void>();
  private n = 0;

  /** `before` is called before anything but events is told, since what was heard has its effect first. */
  constructor(
    private readonly port: Port<FromHub, ToHub>,
    private readonly before: () => void,
  ) {}

  tell(message: Exclude<ToHub, WithNumber>): void {
    this.port.post(message);
  }

  listen(listener: (message: Exclude<FromHub, { readonly tell: 'answer' }>) => void): void {
    this.port.listen((message) => {
      if (message.tell !== 'events') this.before();
      if (message.tell !== 'answer') return listener(message);
      const done = this.waiting.get(message.n);
      this.waiting.delete(message.n);
      done?.(message.outcome);
    });
  }

  /** Asks for something that is done or not. */
  async order(what: Asked): Promise<Outcome> {
    const outcome = await this.ask(what);
    return outcome.ok ? { ok: true, value: undefined } : outcome;
  }

  /** Sends a line of the protocol, and gives its answer. `mayBeUnknown`: as in `Channel`. */
  async request(line: string, mayBeUnknown = false): Promise<Outcome<Answer>> {
    const outcome = await this.ask({ do: 'request', line, mayBeUnknown });
    if (!outcome.ok) return outcome;
    return outcome.value === undefined ? failed('unexpected-answer') : { ok: true, value: outcome.value };
  }

  /** Sends a line whose answer has one type. */
  async expect<K extends Answer['type']>(line: string, type: K): Promise<Outcome<AnswerOf<K>>> {
    const outcome = await this.request(line);
    if (!outcome.ok) return outcome;
    const { value } = outcome;
    return isOf(value, type) ? { ok: true, value } : failed('unexpected-answer');
  }

  /** Sends a line that is carried out or refused. */
  async run(line: string): Promise<Outcome> {
    const outcome = await this.request(line);
    return outcome.ok ? { ok: true, value: undefined } : outcome;
  }

  private ask(what: Asked): Promise<Outcome<Answer | undefined>> {
    return new Promise((resolve) => {
      const n = ++this.n;
      this.waiting.set(n, resolve);
      this.port.post({ ...what, n });
    });
  }
}

function isOf<K extends Answer['type']>(answer: Answer, type: K): answer is AnswerOf<K> {
  return answer.type === type;
}
