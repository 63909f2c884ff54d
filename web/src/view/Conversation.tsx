// One conversation: its head, its messages, and the place to write.

import type { ConversationModel } from '../store/model';
import { ComposerPlace } from './ComposerPlace';
import { Head } from './Head';
import { MessageList } from './MessageList';

export function Conversation({ model }: { readonly model: ConversationModel }) {
  return (
    <>
      <Head model={model} />
      <MessageList model={model} />
      <ComposerPlace model={model} />
    </>
  );
}
