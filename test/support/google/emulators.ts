// Google's official emulators, as `npm run emulated` starts them.
export {
  type Emulator,
  emulatorJar,
  emulatorMissing,
  type EmulatorName,
  startEmulator,
} from "../../../scripts/compose/emulators.ts";
