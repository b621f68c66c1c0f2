import Foundation

/// `NAME.events.json`, what the event detector decides by (`mobile/events/settings.py`). Durations in milliseconds.
public struct Thresholds: Decodable, Equatable, Sendable {
    /// Which files this code reads.
    public static let version = 1

    /// Logits are divided by it before the softmax.
    public let temperature: Double
    /// Time constant of the smoothing of the scores; 0 smooths nothing.
    public let tauMs: Int
    /// A gesture may begin while its score is at least this.
    public let onScore: Double
    /// And ends when its score stays below this.
    public let offScore: Double
    /// How long a gesture must be the best one before it begins.
    public let holdMs: Int
    /// How long its score must stay below `offScore` before it ends.
    public let releaseMs: Int
    /// After an end, no gesture begins for so long.
    public let refractoryMs: Int
    /// After its end, the same gesture does not begin for so long.
    public let repeatMs: Int
    /// A longer time between two frames is a stall.
    public let gapMs: Int
    /// Labels that are no gestures.
    public let background: [String]
    /// Least and greatest frame rate that the thresholds were fitted for.
    public let framesPerSecond: [Double]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case temperature, background
        case tauMs = "tau_ms"
        case onScore = "on"
        case offScore = "off"
        case holdMs = "hold_ms"
        case releaseMs = "release_ms"
        case refractoryMs = "refractory_ms"
        case repeatMs = "repeat_ms"
        case gapMs = "gap_ms"
        case framesPerSecond = "frames_per_second"
    }

    /// Reads the thresholds' bytes.
    ///
    /// - Throws: `DemoError` where they are none, of another version, or out of range.
    public static func read(_ data: Data, name: String) throws -> Thresholds {
        let fields: [String: JSONValue] = try readJSON(data, name: name, version: version)
        let known = Set(CodingKeys.allCases.map(\.stringValue)).union(["version", "fitted"])
        for field in known.symmetricDifference(fields.keys).sorted() {
            let fault = known.contains(field) ? "is missing" : "is no threshold"
            throw DemoError("\(name): \(field) \(fault); fit the thresholds again")
        }
        let thresholds: Thresholds = try readJSON(data, name: name, version: version)
        if let fault = thresholds.fault {
            throw DemoError("\(name): \(fault); fit the thresholds again")
        }
        return thresholds
    }

    private var fault: String? {
        for (name, value) in durations where value < 0 {
            return "\(name) is \(value); expected whole milliseconds, 0 or more"
        }
        if !(temperature > 0) { return "temperature is \(temperature); expected a number above 0" }
        if !(offScore > 0 && offScore < onScore && onScore < 1) {
            return "off is \(offScore) and on is \(onScore); expected 0 < off < on < 1"
        }
        if gapMs == 0 { return "gap_ms is 0; expected at least 1" }
        if framesPerSecond.count != 2 || !(framesPerSecond[0] > 0) || framesPerSecond[0] > framesPerSecond[1] {
            return "frames_per_second is \(framesPerSecond); expected the least and the greatest rate"
        }
        return nil
    }

    private var durations: [(String, Int)] {
        [
            ("tau_ms", tauMs), ("hold_ms", holdMs), ("release_ms", releaseMs), ("refractory_ms", refractoryMs),
            ("repeat_ms", repeatMs), ("gap_ms", gapMs),
        ]
    }

    /// Ids of the labels that are gestures.
    ///
    /// - Throws: `DemoError` where a background label is unknown, or no gesture is left.
    public func gestures(of labels: [String]) throws -> [Int] {
        for name in background where !labels.contains(name) {
            throw DemoError("the background label '\(name)' is none of the network's labels; mend the thresholds")
        }
        let gestures = labels.indices.filter { !background.contains(labels[$0]) }
        if gestures.isEmpty {
            throw DemoError("all \(labels.count) labels are background; leave at least one gesture")
        }
        return gestures
    }
}
