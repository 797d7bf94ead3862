//! The register log of our driver's way up and down on the model, in words, as a text that people can read and compare.

use std::fmt::Write;

use testkit::log::describe_all;
use testkit::{Pair, PairOptions, golden};
use xhci_driver::Policy;

#[test]
fn the_way_up_and_down_is_the_one_in_the_golden_log() {
    let options = PairOptions {
        keep_log: true,
        policy: Policy {
            segment_trbs: 64,
            ..Policy::default()
        },
        ..PairOptions::default()
    };
    let mut pair = Pair::new(options).expect("a controller");
    let mut text = String::new();
    let layout = pair.layout();
    writeln!(text, "# up").expect("a string takes everything");
    pair = pair.settled().expect("it comes up");
    text += &describe_all(&layout, &pair.take_log());
    writeln!(text, "# down").expect("a string takes everything");
    pair.shut_down().expect("it goes down");
    text += &describe_all(&layout, &pair.take_log());
    golden("bring-up.log", &text);
    pair.finish().expect("nothing is left behind");
}
