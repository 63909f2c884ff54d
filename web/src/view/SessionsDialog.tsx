// Where I am logged in, each with a button that ends it; and the change of the password.

import { useEffect, useState } from 'preact/hooks';

import { formatBrief } from '../locales';
import { t } from '../locales';
import type { Outcome, Ticket } from '../store/model';
import { useStore } from './context';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { PasswordForm } from './PasswordForm';
import { problemText } from './problem';
import { useTell } from './useTell';

export function SessionsDialog() {
  return (
    <Dialog title={t('sessions.title')} onClose={closeDialog} size="wide">
      <h3>{t('sessions.list')}</h3>
      <Tickets />
      <h3>{t('sessions.password')}</h3>
      <PasswordForm />
    </Dialog>
  );
}

function Tickets() {
  const store = useStore();
  const tell = useTell();
  const [tickets, setTickets] = useState<Outcome<readonly Ticket[]> | null>(null);
  const load = () => void store.actions.listTickets().then(setTickets);
  useEffect(load, []);
  if (!tickets) return <p class="note">{t('sessions.loading')}</p>;
  if (!tickets.ok) {
    return (
      <p class="wrong" role="alert">
        {problemText(tickets.problem)}{' '}
        <button type="button" class="link-button" onClick={load}>
          {t('try-again')}
        </button>
      </p>
    );
  }
  const revoke = async (id: string) => {
    await tell(store.actions.revokeTicket(id));
    load();
  };
  return (
    <>
      <p>{tickets.value.length === 0 ? t('sessions.none') : t('sessions.text')}</p>
      <ul class="table">
        {tickets.value.map((ticket) => (
          <TicketRow key={ticket.id} ticket={ticket} onRevoke={() => void revoke(ticket.id)} />
        ))}
      </ul>
    </>
  );
}

function TicketRow({ ticket, onRevoke }: { readonly ticket: Ticket; readonly onRevoke: () => void }) {
  const label = ticket.label || t('sessions.unnamed');
  return (
    <li>
      <div class="grow">
        <b>{label}</b>
        <span class="note">
          {t('sessions.used', { time: formatBrief(new Date(ticket.used)) })}
          {ticket.address !== '' && `, ${t('sessions.from', { address: ticket.address })}`}
        </span>
      </div>
      <button
        type="button"
        class="button quiet danger"
        aria-label={t('sessions.revoke-label', { label })}
        onClick={onRevoke}
      >
        {t('sessions.revoke')}
      </button>
    </li>
  );
}
