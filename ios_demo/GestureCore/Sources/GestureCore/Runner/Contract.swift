import Foundation

/// `NAME.contract.json`, all that the app knows of an artefact (`mobile/interface/contract.py` writes it).
public struct Contract: Decodable, Equatable, Sendable {
    /// Which contracts this code reads.
    public static let version = 2

    public let version: Int
    /// litert, executorch or coreml.
    public let runtime: String
    /// int8, fp16 or fp32.
    public let precision: String
    public let network: String
    public let options: [String: JSONValue]
    /// "clip" or "stream".
    public let mode: String
    public let preprocess: InputSpec
    public let input: TensorSpec
    public let output: TensorSpec
    /// Class names, index = class id.
    public let labels: [String]
    /// Of a stream, in the order of inputs and outputs after the frames and the logits.
    public let states: [StateSpec]
    /// How fast frames should come to a stream; 0 in clip mode.
    public let framesPerSecond: Double
    /// The artefact keeps its states; there are none among inputs and outputs.
    public let stateful: Bool

    /// A stream takes one frame at a time.
    public var isStream: Bool { mode == "stream" }

    /// Frames that one inference takes.
    public var framesPerInference: Int { isStream ? 1 : preprocess.segments }

    /// Bytes of all states at the artefact's border.
    public var stateBytes: Int { states.reduce(0) { $0 + $1.bytes } }

    /// Reads a contract's bytes.
    ///
    /// - Throws: `DemoError` where it is none, of another version, or one that the app cannot fulfil.
    public static func read(_ data: Data, name: String) throws -> Contract {
        let contract: Contract = try readJSON(data, name: name, version: version)
        try contract.validate(name)
        return contract
    }

    private func validate(_ name: String) throws {
        let size = preprocess.size
        let wanted = input.layout == .thwc ? [1, size, size, 3] : [1, 3, size, size]
        if isStream, input.shape != wanted {
            throw DemoError("\(name): input has shape \(input.shape), not \(wanted); export the artefact again")
        }
        if labels.isEmpty || output.shape.last != labels.count {
            throw DemoError("\(name): \(labels.count) labels for an output of \(output.shape); export it again")
        }
        if isStream, !(framesPerSecond > 0) {
            throw DemoError("\(name): frames_per_second is \(framesPerSecond); expected more than 0")
        }
        if preprocess.colourOrder != "RGB" {
            throw DemoError("\(name): colour_order is \(preprocess.colourOrder); expected RGB")
        }
    }

    enum CodingKeys: String, CodingKey {
        case version, runtime, precision, network, options, mode, preprocess, input, output, labels, states, stateful
        case framesPerSecond = "frames_per_second"
    }

    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        version = try values.decode(Int.self, forKey: .version)
        runtime = try values.decode(String.self, forKey: .runtime)
        precision = try values.decode(String.self, forKey: .precision)
        network = try values.decode(String.self, forKey: .network)
        options = try values.decode([String: JSONValue].self, forKey: .options)
        mode = try values.decode(String.self, forKey: .mode)
        preprocess = try values.decode(InputSpec.self, forKey: .preprocess)
        input = try values.decode(TensorSpec.self, forKey: .input)
        output = try values.decode(TensorSpec.self, forKey: .output)
        labels = try values.decode([String].self, forKey: .labels)
        states = try values.decode([StateSpec].self, forKey: .states)
        framesPerSecond = try values.decode(Double.self, forKey: .framesPerSecond)
        stateful = try values.decodeIfPresent(Bool.self, forKey: .stateful) ?? false  // older files have no such field
    }
}
