/** The parts in use of packages that ship without types. */

declare module 'draco3dgltf' {
  /** Opaque; handed to gltf-transform as it is. */
  type DracoModule = object;
  const draco: {
    createDecoderModule(): Promise<DracoModule>;
    createEncoderModule(): Promise<DracoModule>;
  };
  export default draco;
}

declare module 'gltf-validator' {
  const validator: {
    validateBytes(
      bytes: Uint8Array,
      options?: { format?: 'glb' | 'gltf'; maxIssues?: number; writeTimestamp?: boolean },
    ): Promise<unknown>;
  };
  export default validator;
}
