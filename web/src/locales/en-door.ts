// The texts in English of what stands in front of the chat.

export const texts = {
  'door.log-in': 'Log in',
  'door.log-in-text': 'Log in to read and to write.',
  'door.make': 'Make an account',
  'door.make-text': 'A name and a password are enough.',
  'door.name': 'Name',
  'door.name-hint': 'Letters a to z, digits, - and _. Others see this name.',
  'door.password': 'Password',
  'door.password-hint': 'Long is better than complicated. It cannot be recovered.',
  'door.busy': 'One moment …',
  'door.new-here': 'New here?',
  'door.have-account': 'You have an account?',
  'door.language': 'Language',
  'stopped.elsewhere': 'You are logged in elsewhere',
  'stopped.elsewhere-text':
    'Another browser, another tab or a program uses your account now. If you go on here, the session there ends.',
  'stopped.use-here': 'Use here',
  'stopped.suspended': 'Your account is suspended',
  'stopped.refused': 'The server does not let you in now',
  'door.invited': 'You are invited. Choose a name and a password.',
  'door.invited-rooms': 'You enter {rooms}.',
} as const;
