export { LOADERS } from './loaders.ts';
export { type EncodedFile, openRemoteLoader, type RemoteLoader } from './remote-loader.ts';
