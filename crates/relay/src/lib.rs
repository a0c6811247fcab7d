//! What an activity is: the words of the product, their codecs and the ports to the world.
