import XCTest

@testable import GestureCore

/// Computes everything of a golden folder again.
struct GoldenChecks {
    let folder: GoldenFolder

    func all() throws -> [GoldenRow] {
        try camera() + events() + [exponentials()] + stream()
    }

    /// Each camera frame: the upright picture, the resized one, the tensor.
    func camera() throws -> [GoldenRow] {
        let contract = try folder.contract()
        let preprocessor = try ContractPreprocessor(contract)
        return try folder.manifest.camera.flatMap { about in
            let frame = try self.frame(about)
            let upright = FrameReader.upright(frame).pixels
            let resized = try preprocessor.resized(frame).pixels
            let tensor = try preprocessor.tensor(of: frame).elements
            return [
                GoldenRow("camera/\(about.name)/upright", doubles(upright), doubles(try folder.bytes(about.upright))),
                GoldenRow("camera/\(about.name)/resized", doubles(resized), doubles(try folder.bytes(about.resized))),
                GoldenRow(
                    "camera/\(about.name)/tensor", tensor.doubles,
                    try folder.elements(about.tensor, contract.input.dtype).doubles),
            ]
        }
    }

    func frame(_ about: GoldenManifest.Camera) throws -> CameraFrame {
        let buffers = try about.buffers.mapValues { OwnedBytes(try folder.bytes($0)) }
        let channels = try about.channels.map { name, place in
            let channel = Channel(
                storage: try XCTUnwrap(buffers[place.buffer]), rowStride: place.row_stride,
                pixelStride: place.pixel_stride, offset: place.offset)
            return (Character(name), channel)
        }
        return try CameraFrame(
            format: try XCTUnwrap(PixelFormat(rawValue: about.format)), width: about.width, height: about.height,
            channels: Dictionary(uniqueKeysWithValues: channels),
            rotation: try XCTUnwrap(Rotation(rawValue: about.rotation)), mirrored: about.mirrored)
    }

    /// Each sequence of logits: kind, label, time and confidence of every event, those of a reset after them too.
    func events() throws -> [GoldenRow] {
        let (thresholds, labels) = (try folder.thresholds(), try folder.contract().labels)
        return try folder.manifest.events.map { sequence in
            let detector = try EventDetector(thresholds, labels: labels)
            let logits = try folder.values(sequence.logits, as: Float.self)
            var found: [GestureEvent] = []
            for (index, time) in try folder.values(sequence.times_ms, as: Int32.self).enumerated() {
                let row = Array(logits[index * labels.count..<(index + 1) * labels.count])
                found += try detector.step(row, timeMs: Int(time))
            }
            let warns = detector.warning != nil
            found += detector.reset()
            let wanted = try (sequence.events + sequence.events_at_reset).flatMap(numbers)
            return GoldenRow(
                "events/\(sequence.name)", found.flatMap(numbers) + [warns ? 1 : 0],
                wanted + [sequence.rate_warning ? 1 : 0])
        }
    }

    private func numbers(_ event: GestureEvent) -> [Double] {
        [event.kind == .begin ? 1 : 0, Double(event.label), Double(event.timeMs), event.confidence]
    }

    private func numbers(_ event: GoldenManifest.Event) throws -> [Double] {
        [
            event.kind == "begin" ? 1 : 0, Double(event.label), Double(event.time_ms),
            try doubleOf(bits: event.confidence_bits),
        ]
    }

    func exponentials() throws -> GoldenRow {
        let points = try folder.manifest.exponential.map {
            (try doubleOf(bits: $0.x_bits), try doubleOf(bits: $0.y_bits))
        }
        return GoldenRow("exponential", points.map { exponential($0.0) }, points.map(\.1))
    }

    /// Over an artefact that answers what Python's answered: the states that a runner hands to it before each step are
    /// those that it gave before, and what it answers is read as Python's logits; after a reset all over again.
    func stream() throws -> [GoldenRow] {
        let (contract, stream) = (try folder.contract(), folder.manifest.stream)
        let replay = try ReplayEngine(folder, contract)
        let runner = try EngineRunner(contract: contract, engine: replay)
        let inputs = try folder.elements(stream.inputs, contract.input.dtype)
        var found: [Float] = []
        for _ in 0..<2 {
            replay.rewind()
            try runner.reset()
            for number in 0..<stream.frames {
                let elements = inputs.part(number, of: stream.frames)
                found += try runner.run(Tensor(shape: contract.input.shape, elements: elements))
            }
        }
        let logits = try folder.values(stream.logits, as: Float.self)
        return [
            GoldenRow("stream/states", replay.given, replay.wanted),
            GoldenRow("stream/logits", found.map(Double.init), (logits + logits).map(Double.init)),
        ]
    }

    /// A whole artefact over the golden stream. Of its logits those differ that are more than two steps from Python's:
    /// a runtime that computes in real numbers between quantizations may round another way.
    func network(_ runner: Runner) throws -> [GoldenRow] {
        let (contract, stream) = (runner.contract, folder.manifest.stream)
        let inputs = try folder.elements(stream.inputs, contract.input.dtype)
        let wanted = try folder.values(stream.logits, as: Float.self).map(Double.init)
        try runner.reset()
        let found = try (0..<stream.frames).flatMap { number in
            try runner.run(Tensor(shape: contract.input.shape, elements: inputs.part(number, of: stream.frames)))
        }
        let limit = 2.01 * Self.step(of: wanted)
        return [GoldenRow("stream/logits", found.map(Double.init), wanted, within: limit)]
    }

    /// Quantized numbers lie this far apart: the least difference between two of them.
    static func step(of values: [Double]) -> Double {
        let sorted = values.sorted()
        return zip(sorted.dropFirst(), sorted).map { $0 - $1 }.filter { $0 > 1e-6 }.min() ?? 0
    }

    private func doubles(_ bytes: [UInt8]) -> [Double] {
        bytes.map(Double.init)
    }
}
