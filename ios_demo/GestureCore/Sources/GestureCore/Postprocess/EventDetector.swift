/// What turns logits into events.
public protocol Postprocessor: AnyObject {
    /// Smoothed scores of the last frame, one a class; nil before the first.
    var scores: [Double]? { get }
    var warning: RateWarning? { get }

    /// The events of the next frame.
    func step(_ logits: [Float], timeMs: Int) throws -> [GestureEvent]

    /// Forgets the stream, its times too; the end of a gesture that was active.
    func reset() -> [GestureEvent]
}

/// A stream of logits -> events: `Smoother`, then `Gate`. Same bits as `mobile.events.detector.EventDetector`.
///
/// A time between two frames above `gapMs` is a stall: an active gesture ends at the frame before, and smoothing and
/// holding begin anew.
public final class EventDetector: Postprocessor {
    public let thresholds: Thresholds
    private let classes: Int
    private let smoother: Smoother
    private let gate: Gate
    private var rate: RateWatch
    private var lastTime: Int?

    /// - Throws: `DemoError` of a background label that the network does not know, or where no gesture is left.
    public init(_ thresholds: Thresholds, labels: [String]) throws {
        self.thresholds = thresholds
        classes = labels.count
        smoother = Smoother(temperature: thresholds.temperature, tauMs: thresholds.tauMs)
        gate = Gate(thresholds, gestures: try thresholds.gestures(of: labels))
        rate = RateWatch(thresholds)
    }

    public var scores: [Double]? { smoother.scores }
    public var warning: RateWarning? { rate.warning }

    /// - Throws: `DemoError` of another number of logits, one that is not finite, or a time not after the frame before.
    public func step(_ logits: [Float], timeMs: Int) throws -> [GestureEvent] {
        if logits.count != classes || !logits.allSatisfy(\.isFinite) {
            throw DemoError("\(logits.count) logits, of which some may not be finite; expected \(classes) numbers")
        }
        var events: [GestureEvent] = []
        var interval = 0
        if let lastTime {
            if timeMs <= lastTime {
                throw DemoError("a frame at \(timeMs) ms after one at \(lastTime) ms; expected times that grow")
            }
            interval = timeMs - lastTime
            rate.step(interval)
            if interval > thresholds.gapMs {
                smoother.reset()
                events = gate.stop(timeMs: lastTime)
            }
        }
        lastTime = timeMs
        return events + gate.step(smoother.step(logits.map(Double.init), intervalMs: interval), timeMs: timeMs)
    }

    public func reset() -> [GestureEvent] {
        let events = lastTime.map(gate.stop) ?? []
        smoother.reset()
        gate.reset()
        rate = RateWatch(thresholds)
        lastTime = nil
        return events
    }
}

/// Scores without events, of a model without thresholds.
public final class ScoresOnly: Postprocessor {
    private let smoother = Smoother(temperature: 1, tauMs: 0)

    public init() {}

    public var scores: [Double]? { smoother.scores }
    public var warning: RateWarning? { nil }

    public func step(_ logits: [Float], timeMs: Int) throws -> [GestureEvent] {
        guard logits.allSatisfy(\.isFinite) else { throw DemoError("the model gave numbers that are not finite") }
        smoother.step(logits.map(Double.init), intervalMs: 0)
        return []
    }

    public func reset() -> [GestureEvent] {
        smoother.reset()
        return []
    }
}
