/**
 * The pool alone: importing it costs a third of the time of importing the whole of undici (fetch, cache, WebSocket, mocks). The
 * module has no declarations of its own. Only `dispatch`, `close`, `destroy` work on it: `request` and its
 * like are added by undici's index.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
