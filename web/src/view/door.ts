// The parts that stand in front of the chat, loaded when nobody is logged in or the server does not want the session.

export { Door } from './Door';
export { Stopped } from './Stopped';
