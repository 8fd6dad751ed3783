// Google's client of Cloud Build behind a module of our own, to be loaded when it is needed: of a CommonJS package a bundle gives its
// names to a static import only.
export { CloudBuildClient } from "@google-cloud/cloudbuild";
