/// What is timed.
public enum Stage: String, CaseIterable, Sendable {
    case preprocess
    case inference
    case postprocess
}

/// Half and nine tenths of the samples are no greater than this, between two samples in proportion.
public struct Percentiles: Equatable, Sendable {
    public let p50: Double
    public let p90: Double

    public init(p50: Double, p90: Double) {
        self.p50 = p50
        self.p90 = p90
    }

    /// Nil of no samples.
    public init?(of samples: [Double]) {
        if samples.isEmpty { return nil }
        let sorted = samples.sorted()
        func value(_ share: Double) -> Double {
            let place = share * Double(sorted.count - 1)
            let below = Int(place.rounded(.down))
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
        }
        self.init(p50: value(0.5), p90: value(0.9))
    }
}

/// Milliseconds of each stage over the last frames.
public struct StageTimes {
    private static let recent = 120
    private var samples: [Stage: [Double]] = [:]

    public init() {}

    public mutating func add(_ stage: Stage, milliseconds: Double) {
        samples[stage] = ((samples[stage] ?? []) + [milliseconds]).suffix(Self.recent)
    }

    /// Of the stages that ran.
    public var percentiles: [Stage: Percentiles] {
        samples.compactMapValues(Percentiles.init(of:))
    }
}

/// How often something happens in a second, over the last two.
public struct RateMeter {
    private static let over: UInt64 = 2_000_000_000
    private var times: [UInt64] = []

    public init() {}

    /// It happens now.
    public mutating func tick(_ nanoseconds: UInt64) {
        times.append(nanoseconds)
        times.removeAll { nanoseconds - min($0, nanoseconds) > Self.over }
    }

    /// A second; 0 until it is known, and where nothing happened for two seconds.
    public func rate(at now: UInt64) -> Double {
        guard let first = times.first, let last = times.last, last > first, now < last + Self.over else { return 0 }
        return Double(times.count - 1) / (Double(last - first) / 1e9)
    }
}
