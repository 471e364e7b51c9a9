// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {Fixture} from "./Fixture.sol";

/// Statements of the additions, signed by whoever the test says.
abstract contract Signed is Fixture {
    function _rowOf(address user, uint256 cumulative) internal pure returns (bytes memory) {
        return abi.encodePacked(user, uint96(cumulative));
    }

    function _batchSignature(uint256 key, address who, uint48 upTo, uint64 asOf, bytes memory rows)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "SettlementBatch(address provider,uint32 epoch,uint48 upTo,uint64 asOf,bytes rows)"
                ),
                who,
                upTo >> 32,
                upTo,
                asOf,
                keccak256(rows)
            )
        );
        return _sign(key, address(inference), "0G Inference Serving", structHash);
    }

    /// A batch of the fixture's provider, made now, sent by a stranger.
    function _batch(uint256 key, uint48 upTo, bytes memory rows) internal returns (uint256 paid) {
        return _batchAt(key, upTo, uint64(block.timestamp), rows);
    }

    function _batchAt(uint256 key, uint48 upTo, uint64 asOf, bytes memory rows)
        internal
        returns (uint256 paid)
    {
        bytes memory signature = _batchSignature(key, provider, upTo, asOf, rows);
        vm.prank(makeAddr("stranger"));
        return inference.settleBatch(provider, upTo, asOf, rows, signature);
    }

    function _receipt(address user, uint48 seq, uint96 cumulative)
        internal
        view
        returns (IDisputes.Receipt memory)
    {
        return IDisputes.Receipt(
            provider, user, seq, cumulative, 1, uint64(block.timestamp), keccak256("detail")
        );
    }

    function _signReceipt(uint256 key, IDisputes.Receipt memory r) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Receipt(address provider,address user,uint48 seq,uint96 cumulative,uint96 fee,uint64 issuedAt,bytes32 detail)"
                ),
                r
            )
        );
        return _sign(key, address(inference), "0G Inference Serving", structHash);
    }

    function _delegationSignature(uint256 key, address user, address session, uint96 cap, uint40 expiry)
        internal
        view
        returns (bytes memory)
    {
        return _delegationFor(key, provider, user, session, cap, expiry);
    }

    function _delegationFor(
        uint256 key,
        address who,
        address user,
        address session,
        uint96 cap,
        uint40 expiry
    ) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Delegation(address provider,address user,address sessionKey,uint96 cap,uint40 expiry)"
                ),
                who,
                user,
                session,
                cap,
                expiry
            )
        );
        return _sign(key, address(inference), "0G Inference Serving", structHash);
    }

    function _voucherRow(uint256 key, uint96 claimed, uint96 signed) internal view returns (bytes memory) {
        return _voucherFor(key, provider, claimed, signed);
    }

    function _voucherFor(uint256 key, address who, uint96 claimed, uint96 signed)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash =
            keccak256(abi.encode(keccak256("Voucher(address provider,uint96 cumulative)"), who, signed));
        (bytes32 r, bytes32 vs) =
            vm.signCompact(key, _digest(address(inference), "0G Inference Serving", structHash));
        return abi.encodePacked(claimed, signed, r, vs);
    }

    function _settled(address user) internal view returns (uint256 settled) {
        (settled,,,) = inference.settledOf(user, provider);
    }
}
