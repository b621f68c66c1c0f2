/// Scores -> events, with hysteresis and times. The order of its steps is that of `mobile.events.detector.Gate`.
final class Gate {
    private let rule: Thresholds
    private let gestures: [Int]
    private var active: Int?
    private var score = 0.0
    private var lowSince: Int?
    private var candidate: Int?
    private var heldSince = 0
    private var ended: [Int: Int] = [:]
    private var lastEnd: Int?

    init(_ thresholds: Thresholds, gestures: [Int]) {
        rule = thresholds
        self.gestures = gestures
    }

    /// Forgets everything.
    func reset() {
        active = nil
        score = 0
        lowSince = nil
        candidate = nil
        heldSince = 0
        ended = [:]
        lastEnd = nil
    }

    /// Ends what is active, and drops the candidate; when gestures ended is still known.
    func stop(timeMs: Int) -> [GestureEvent] {
        candidate = nil
        return active.map { [end($0, timeMs)] } ?? []
    }

    /// The events of one frame: none, an end, a begin, or both in this order.
    func step(_ scores: [Double], timeMs: Int) -> [GestureEvent] {
        let best = gestures.dropFirst().reduce(gestures[0]) { scores[$1] > scores[$0] ? $1 : $0 }
        var events = release(scores, timeMs)
        if scores[best] < rule.onScore {
            candidate = nil
        } else if best != candidate {
            candidate = best
            heldSince = timeMs
        }
        if active == nil, candidate != nil, mayBegin(best, timeMs) {
            active = best
            score = scores[best]
            lowSince = nil
            events.append(GestureEvent(kind: .begin, label: best, timeMs: timeMs, confidence: score))
        }
        return events
    }

    private func release(_ scores: [Double], _ timeMs: Int) -> [GestureEvent] {
        guard let gesture = active else { return [] }
        score = scores[gesture]
        if score >= rule.offScore {
            lowSince = nil
        } else if lowSince == nil {
            lowSince = timeMs
        }
        guard let since = lowSince, timeMs - since >= rule.releaseMs else { return [] }
        return [end(gesture, timeMs)]
    }

    private func mayBegin(_ gesture: Int, _ timeMs: Int) -> Bool {
        if timeMs - heldSince < rule.holdMs { return false }
        if let lastEnd, timeMs - lastEnd < rule.refractoryMs { return false }
        return ended[gesture].map { timeMs - $0 >= rule.repeatMs } ?? true
    }

    private func end(_ gesture: Int, _ timeMs: Int) -> GestureEvent {
        active = nil
        lowSince = nil
        ended[gesture] = timeMs
        lastEnd = timeMs
        return GestureEvent(kind: .end, label: gesture, timeMs: timeMs, confidence: score)
    }
}
