// The text of a message as it is shown: a paragraph, a quotation, a list item, a line of code, or that it was removed.

import { formatFull, t } from '../locales';
import { targetOf } from '../protocol/target';
import type { MessageRow } from '../store/model';
import { parseBlock } from '../text/block';
import { fenceLanguage, type FencePart } from '../text/fence';
import { renderInlines, type TextContext } from '../text/render';
import { useMe } from './context';
import { hrefOf, profileHref } from './route';

const HREFS = {
  userHref: profileHref,
  roomHref: (room: string) => hrefOf(targetOf('room', room)),
};

export function MessageText({ row, fence }: { readonly row: MessageRow; readonly fence: FencePart }) {
  const me = useMe();
  if (row.removed !== null) return <Removed {...row.removed} />;
  if (fence !== 'none') return <CodeLine text={row.text} part={fence} />;
  return (
    <div class="text" dir="auto">
      <BlockText text={row.text} context={{ me, ...HREFS }} />
      {row.edited !== null && (
        <bdi class="note" title={formatFull(new Date(row.edited))}>
          {` ${t('message.edited')}`}
        </bdi>
      )}
    </div>
  );
}

function Removed({ by, reason }: NonNullable<MessageRow['removed']>) {
  const what = by === null ? t('message.removed') : t('message.removed-by', { by });
  return (
    <div class="text gone">
      {what}
      {reason !== null && reason !== '' && (
        <>
          : <bdi>{reason}</bdi>
        </>
      )}
    </div>
  );
}

function CodeLine({ text, part }: { readonly text: string; readonly part: FencePart }) {
  if (part === 'open') return <div class="code-line code-edge">{fenceLanguage(text)}</div>;
  if (part === 'close') return <div class="code-line code-edge last" />;
  return (
    <div class="text code-line" dir="ltr">
      {text}
    </div>
  );
}

function BlockText({ text, context }: { readonly text: string; readonly context: TextContext }) {
  const block = parseBlock(text);
  switch (block.kind) {
    case 'emoji':
      return <span class="block-emoji">{block.text}</span>;
    case 'quote':
      return <blockquote class="block-quote">{renderInlines(block.inlines, context)}</blockquote>;
    case 'bullet':
      return <Item marker="•">{renderInlines(block.inlines, context)}</Item>;
    case 'numbered':
      return <Item marker={`${block.number}.`}>{renderInlines(block.inlines, context)}</Item>;
    case 'paragraph':
      return <>{renderInlines(block.inlines, context)}</>;
  }
}

interface ItemProps {
  readonly marker: string;
  readonly children: ReturnType<typeof renderInlines>;
}

function Item({ marker, children }: ItemProps) {
  return (
    <div class="block-item">
      <span class="marker">{marker}</span>
      <span>{children}</span>
    </div>
  );
}
