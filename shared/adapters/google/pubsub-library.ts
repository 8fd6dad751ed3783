// Google's client of Pub/Sub behind a module of our own, to be loaded when it is needed: of a CommonJS package a bundle gives its
// names to a static import only.
export { PubSub, v1 } from "@google-cloud/pubsub";
