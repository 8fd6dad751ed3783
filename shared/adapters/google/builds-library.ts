// Google's clients of Cloud Build and Cloud Storage behind a module of our own, to be loaded when they are needed: of a CommonJS
// package a bundle gives its names to a static import only.
export { CloudBuildClient } from "@google-cloud/cloudbuild";
export { Storage } from "@google-cloud/storage";
