import Foundation
import GestureCore
import os

/// An interval in Instruments for every stage of every frame (Points of Interest, `org.sthmobile.gesture`).
final class SignpostTracer: StageTracer {
    private let signposter = OSSignposter(subsystem: "org.sthmobile.gesture", category: .pointsOfInterest)
    private let lock = NSLock()
    private var open: [Stage: OSSignpostIntervalState] = [:]

    func begin(_ stage: Stage) {
        let state: OSSignpostIntervalState
        switch stage {
        case .preprocess: state = signposter.beginInterval("preprocess")
        case .inference: state = signposter.beginInterval("inference")
        case .postprocess: state = signposter.beginInterval("postprocess")
        }
        lock.withLock { open[stage] = state }
    }

    func end(_ stage: Stage) {
        guard let state = lock.withLock({ open.removeValue(forKey: stage) }) else { return }
        switch stage {
        case .preprocess: signposter.endInterval("preprocess", state)
        case .inference: signposter.endInterval("inference", state)
        case .postprocess: signposter.endInterval("postprocess", state)
        }
    }
}
