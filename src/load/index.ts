export { LOADERS } from './loaders.ts';
export { type EncodedFile, openRemoteLoaders, type RemoteLoader } from './remote-loader.ts';
