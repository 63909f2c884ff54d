// The texts in German of what stands in front of the chat.

import type { Texts } from './types';

export const texts: Texts['door'] = {
  'door.log-in': 'Anmelden',
  'door.log-in-text': 'Melde dich an, um zu lesen und zu schreiben.',
  'door.make': 'Konto anlegen',
  'door.make-text': 'Ein Name und ein Passwort genügen.',
  'door.name': 'Name',
  'door.name-hint': 'Buchstaben von a bis z, Ziffern, - und _. Andere sehen diesen Namen.',
  'door.password': 'Passwort',
  'door.password-hint': 'Lang ist besser als kompliziert. Es lässt sich nicht wiederherstellen.',
  'door.busy': 'Einen Moment …',
  'door.new-here': 'Neu hier?',
  'door.have-account': 'Du hast schon ein Konto?',
  'door.language': 'Sprache',
  'stopped.elsewhere': 'Du bist anderswo angemeldet',
  'stopped.elsewhere-text':
    'Ein anderer Browser, ein anderer Tab oder ein Programm benutzt jetzt dein Konto. Wenn du hier weitermachst, endet die Sitzung dort.',
  'stopped.use-here': 'Hier benutzen',
  'stopped.suspended': 'Dein Konto ist gesperrt',
  'stopped.refused': 'Der Server lässt dich jetzt nicht hinein',
  'door.invited': 'Du bist eingeladen. Wähle einen Namen und ein Passwort.',
  'door.invited-rooms': 'Du betrittst {rooms}.',
};
