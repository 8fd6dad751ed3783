// Google's official emulators, as `npm run emulated` starts them.
export {
  type Emulator,
  emulatorJar,
  emulatorMissing,
  type EmulatorName,
  type EmulatorOptions,
  startEmulator,
} from "../../../scripts/compose/emulators.ts";
