// Google's client of Cloud Storage behind a module of our own, to be loaded when it is needed: of a CommonJS package a bundle gives its
// names to a static import only.
export { Storage } from "@google-cloud/storage";
