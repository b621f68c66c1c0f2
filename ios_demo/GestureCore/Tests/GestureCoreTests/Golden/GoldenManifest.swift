import Foundation

/// `manifest.json` of a folder that `sth golden` wrote.
struct GoldenManifest: Decodable {
    struct Camera: Decodable {
        struct Place: Decodable {
            let buffer: String
            let offset: Int
            let row_stride: Int
            let pixel_stride: Int
        }

        let name: String
        let format: String
        let width: Int
        let height: Int
        let rotation: Int
        let mirrored: Bool
        let buffers: [String: String]
        let channels: [String: Place]
        let upright: String
        let resized: String
        let tensor: String
    }

    struct Event: Decodable {
        let kind: String
        let label: Int
        let time_ms: Int
        let confidence_bits: String
    }

    struct Sequence: Decodable {
        let name: String
        let times_ms: String
        let logits: String
        let events: [Event]
        let events_at_reset: [Event]
        let rate_warning: Bool
    }

    struct Point: Decodable {
        let x_bits: String
        let y_bits: String
    }

    struct Stream: Decodable {
        let frames: Int
        let inputs: String
        let logits: String
        let state_frames: [Int]
        let states: [String: String]
    }

    let contract: String
    let thresholds: String
    let camera: [Camera]
    let events: [Sequence]
    let exponential: [Point]
    let stream: Stream
}
