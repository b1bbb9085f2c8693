/** What is used of the library's codec, which has no types of its own. */
declare module 'dbus-native/lib/message.js' {
  const codec: {
    marshall(message: object): Buffer;
    unmarshall(bytes: Buffer, options: { plainValues: boolean }): Record<string, unknown>;
  };
  export default codec;
}
