// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {AccountWord} from "../libraries/AccountWord.sol";
import {InferenceState} from "./InferenceState.sol";

/// @title Whether a row of the deployed settlement is good.
abstract contract SettlementCheck is InferenceState {
    /// @dev Field order of the signed type differs from the calldata struct.
    bytes32 private constant SETTLEMENT_TYPEHASH = keccak256(
        "TEESettlement(bytes32 requestsHash,uint256 nonce,address provider,address user,uint256 totalFee)"
    );

    /// @dev In the order of the deployed contract, with its statuses (specification, section 2.1).
    function _check(TEESettlementData calldata row)
        internal
        view
        returns (SettlementStatus status, AccountWord word)
    {
        if (row.provider != msg.sender) return (SettlementStatus.PROVIDER_MISMATCH, word);
        word = _accounts[row.provider][row.user];
        if (!word.isOpen()) return (SettlementStatus.INVALID_SIGNATURE, word);

        Provider storage provider = _providers[row.provider];
        if (provider.version == 0 && !_hasService(row.provider)) {
            return (SettlementStatus.PROVIDER_MISMATCH, word);
        }
        if (!provider.acknowledged || !_isSettleable(word, row.user, row.provider)) {
            return (SettlementStatus.NO_TEE_SIGNER, word);
        }
        if (!_isNextNonce(word, row)) return (SettlementStatus.INVALID_NONCE, word);
        if (!_isSignedBy(provider.signer, row)) return (SettlementStatus.INVALID_SIGNATURE, word);
        return (SettlementStatus.SUCCESS, word);
    }

    /// @dev An account that was settled by batch or voucher takes no fees by difference any more.
    function _isNextNonce(AccountWord word, TEESettlementData calldata row) private view returns (bool) {
        return word.mode() == 0 && row.nonce > _sides[row.provider][row.user].nonce
            && row.nonce <= type(uint112).max;
    }

    function _isSignedBy(address signer, TEESettlementData calldata row) private view returns (bool) {
        bytes32 structHash = keccak256(
            abi.encode(SETTLEMENT_TYPEHASH, row.requestsHash, row.nonce, row.provider, row.user, row.totalFee)
        );
        // slither-disable-next-line unused-return: the error says it all
        (address recovered, ECDSA.RecoverError err,) =
            ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), row.signature);
        return err == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
